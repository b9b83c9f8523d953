@NullMarked
package dev.flywheel.engine.kv;

import org.jspecify.annotations.NullMarked;
