/**
 * The language-neutral contract: every message and service, and thin clients of our own servers.
 *
 * <p>It may not depend on any other module, nor hold a rule of the domain: it carries messages.
 * Nothing here may block without a deadline, and no generated type may gain behaviour.
 */
@NullMarked
package dev.flywheel.api;

import org.jspecify.annotations.NullMarked;
