/** What versions were made of, what an answer's version had learned, and where feedback ended, as an operator asks for it. */
@NullMarked
package dev.flywheel.app.lineage;

import org.jspecify.annotations.NullMarked;
