package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LoopItem;

/** Begins what is handed on with all that operators route and cap it by. */
final class LoopItems {
    private LoopItems() {}

    static LoopItem.Builder of(Impression impression) {
        LoopItem.Builder item = LoopItem.newBuilder()
                .setAdapter(impression.getVersion().getAdapter())
                .setTenant(impression.getTenant())
                .setUser(impression.getUser());
        if (impression.getLearning().hasGuard()) {
            item.setGuard(impression.getLearning().getGuard());
        }
        return item;
    }
}
