/**
 * The OpenAI-compatible HTTP interface: another face of the calls that gRPC offers. It checks the shape of what comes, makes the
 * request of {@code flywheel.v1} out of it, and writes the answer as OpenAI's clients read it.
 */
@NullMarked
package dev.flywheel.serving.http;

import org.jspecify.annotations.NullMarked;
