@NullMarked
package dev.flywheel.engine.training;

import org.jspecify.annotations.NullMarked;
