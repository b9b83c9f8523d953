/**
 * What an operator can set about a serving node. Each record checks itself; it depends on no other package.
 */
@NullMarked
package dev.flywheel.serving.settings;

import org.jspecify.annotations.NullMarked;
