@NullMarked
package dev.flywheel.engine.forward;

import org.jspecify.annotations.NullMarked;
