/** The page that a node shows to people, read-only: what it asks for, who gets it, and the figures of the last minutes. */
@NullMarked
package dev.flywheel.app.page;

import org.jspecify.annotations.NullMarked;
