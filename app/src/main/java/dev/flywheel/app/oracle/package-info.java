/**
 * Holds the engine against what another implementation computed: folders of the format {@code
 * flywheel-oracle/1}, one case after the other.
 *
 * <p>A case is judged from its own files alone: manifest, goldens and tolerances. What the engine is
 * is never asked here, only what it answers, through the interfaces that serving and training use.
 */
@NullMarked
package dev.flywheel.app.oracle;

import org.jspecify.annotations.NullMarked;
