package dev.flywheel.app.replay;

import dev.flywheel.trainer.adapter.AdapterSettings;

/** The adapter that learns tastes from ratings. */
final class ReplayAdapter {
    static final AdapterSettings SETTINGS = AdapterSettings.ranker();

    private ReplayAdapter() {}
}
