/** Dead letters as an operator handles them: list them, look into one, send what they came from again. */
@NullMarked
package dev.flywheel.app.deadletter;

import org.jspecify.annotations.NullMarked;
