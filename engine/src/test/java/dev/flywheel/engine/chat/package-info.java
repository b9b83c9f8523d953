@NullMarked
package dev.flywheel.engine.chat;

import org.jspecify.annotations.NullMarked;
