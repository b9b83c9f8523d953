/**
 * Requests against a running node as many clients would send them, whether it keeps up or not, and a check of each answer.
 */
@NullMarked
package dev.flywheel.app.load;

import org.jspecify.annotations.NullMarked;
