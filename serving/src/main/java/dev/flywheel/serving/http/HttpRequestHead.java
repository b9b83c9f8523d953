package dev.flywheel.serving.http;

import dev.flywheel.api.access.Caller;

/**
 * What is known of a request before its body comes.
 *
 * @param path without its query
 * @param tenant as the client names it; empty if it does not
 */
record HttpRequestHead(String method, String path, String tenant, Caller caller) {}
