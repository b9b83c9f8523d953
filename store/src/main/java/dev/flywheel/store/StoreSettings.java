package dev.flywheel.store;

import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;

/** What an operator can set: which old blobs are kept, and how much of anything there may be. */
public record StoreSettings(Retention retention, Limits limits) {

    public static final StoreSettings DEFAULT =
            new StoreSettings(Retention.DEFAULT, Limits.DEFAULT);
}
