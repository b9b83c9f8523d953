/** Agreement with the reference implementation, over every backend. */
@NullMarked
package dev.flywheel.engine.oracle;

import org.jspecify.annotations.NullMarked;
