@NullMarked
package dev.flywheel.engine.lora;

import org.jspecify.annotations.NullMarked;
