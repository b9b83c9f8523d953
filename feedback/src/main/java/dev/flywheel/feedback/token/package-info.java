/**
 * Feedback tokens: proof that an answer was ours, carried by whoever reports on it. Pure: keys and
 * times are passed in.
 */
@NullMarked
package dev.flywheel.feedback.token;

import org.jspecify.annotations.NullMarked;
