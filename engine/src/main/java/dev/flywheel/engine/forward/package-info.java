/**
 * The forward pass, written once for all families over the backend's list.
 *
 * <p>Serving and training share the layer; what differs, attention and adapters, is passed in. It may
 * not name a backend or a family.
 */
@NullMarked
package dev.flywheel.engine.forward;

import org.jspecify.annotations.NullMarked;
