/** That README and reference.yaml say what the code does. */
@NullMarked
package dev.flywheel.itest.docs;

import org.jspecify.annotations.NullMarked;
