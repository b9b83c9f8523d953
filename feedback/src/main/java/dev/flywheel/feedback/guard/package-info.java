/**
 * Who may influence a model, and how much: consent, tokens, caps per user, shares of a round. Pure: no
 * I/O, no clock.
 */
@NullMarked
package dev.flywheel.feedback.guard;

import org.jspecify.annotations.NullMarked;
