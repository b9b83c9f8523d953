/** Bad input and hostile clients, row by row, against a node in this process: what each may not do, counted. */
@NullMarked
package dev.flywheel.app.abuse;

import org.jspecify.annotations.NullMarked;
