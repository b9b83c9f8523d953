@NullMarked
package dev.flywheel.engine.model;

import org.jspecify.annotations.NullMarked;
