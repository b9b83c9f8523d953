@NullMarked
package dev.flywheel.engine.jinja;

import org.jspecify.annotations.NullMarked;
