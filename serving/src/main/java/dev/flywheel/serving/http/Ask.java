package dev.flywheel.serving.http;

import dev.flywheel.api.v1.GenerateRequest;

/**
 * What a client asks for, read.
 *
 * @param request as gRPC has it; its prompt is still to come for a chat
 * @param model as the client spells it
 * @param stream whether the answer is to come in pieces
 * @param usage whether a stream ends with what it took
 */
record Ask(GenerateRequest request, String model, boolean stream, boolean usage) {}
