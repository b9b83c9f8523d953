/**
 * What another policy would have earned on logged decisions (off-policy evaluation).
 *
 * <p>Pure: it reads no topic and no file, and knows no policy, only the probabilities that one gives.
 */
@NullMarked
package dev.flywheel.feedback.ope;

import org.jspecify.annotations.NullMarked;
