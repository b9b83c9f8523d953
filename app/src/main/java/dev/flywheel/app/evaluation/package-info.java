/** What the loop's job tells of how well versions foresaw what users did, as an operator reads it. */
@NullMarked
package dev.flywheel.app.evaluation;

import org.jspecify.annotations.NullMarked;
