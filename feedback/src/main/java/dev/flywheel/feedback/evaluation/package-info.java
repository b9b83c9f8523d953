/**
 * How well versions foresaw what users did: test, then train, at no cost, since impressions carry the served scores. And how long
 * users take. Pure: no I/O, no clock.
 */
@NullMarked
package dev.flywheel.feedback.evaluation;

import org.jspecify.annotations.NullMarked;
