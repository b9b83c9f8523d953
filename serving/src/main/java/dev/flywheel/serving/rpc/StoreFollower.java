package dev.flywheel.serving.rpc;

import dev.flywheel.api.client.WatchListener;
import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.serving.adapter.ServedVersions;
import io.grpc.StatusRuntimeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the served versions what the store's watch says. */
public final class StoreFollower implements WatchListener {
    private static final Logger log = LoggerFactory.getLogger(StoreFollower.class);

    private final ServedVersions versions;

    public StoreFollower(ServedVersions versions) {
        this.versions = versions;
    }

    @Override
    public void onEvent(WatchReply reply) {
        switch (reply.getEventCase()) {
            case ADAPTER -> versions.onAdapter(reply.getAdapter());
            case VERSION -> versions.onVersion(reply.getVersion());
            case ALIAS -> versions.onAlias(reply.getAlias());
            case SYNCED -> versions.onSynced();
            case EVENT_NOT_SET -> log.debug("a store newer than this node tells something new");
        }
    }

    @Override
    public void onInterrupted(StatusRuntimeException why) {
        log.warn("the store's watch broke ({}); this node serves on what it has",
                why.getStatus().getCode());
    }
}
