package dev.flywheel.api.client;

import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;

/** Shows a key to a server with every call of a channel. */
public final class ApiKey {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private ApiKey() {}

    /** Returns what adds {@code authorization: Bearer KEY}; nothing for an empty key. */
    public static ClientInterceptor shown(String key) {
        Metadata headers = new Metadata();
        if (!key.isEmpty()) {
            headers.put(AUTHORIZATION, "Bearer " + key);
        }
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }
}
