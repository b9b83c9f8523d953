package dev.flywheel.pipelines.round;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_DUPLICATE;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.Manifest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Finds out where the feedback behind a refused claim stands. A claim is refused as duplicate in two cases: the same event
 * came again, as after a restart, and is trained in the manifest that holds the claim; or another event said the same, and this
 * one is refused. Manifests that many examples ask for are fetched once at a time. Used by one thread.
 */
final class ClaimLookup {
    private final String adapter;
    private final RoundServers servers;
    private final DriverHost host;
    private final PatientCalls calls;
    private final Map<Long, List<LabelledExample>> askedFor = new HashMap<>();

    ClaimLookup(String adapter, RoundServers servers, DriverHost host, PatientCalls calls) {
        this.adapter = adapter;
        this.servers = servers;
        this.host = host;
        this.calls = calls;
    }

    /** Examples that are being looked up. */
    Collection<LabelledExample> examples() {
        List<LabelledExample> all = new ArrayList<>();
        askedFor.values().forEach(all::addAll);
        return all;
    }

    void find(LabelledExample example, long manifestSeq) {
        if (example.getExample().getFeedbackCount() == 0) {
            return; // a provisional negative: there is no event to account for
        }
        if (manifestSeq == 0) {
            refuse(example, "another manifest");
            return;
        }
        List<LabelledExample> asking = askedFor.get(manifestSeq);
        if (asking != null) {
            asking.add(example);
            return;
        }
        askedFor.put(manifestSeq, new ArrayList<>(List.of(example)));
        calls.call("manifest", () -> servers.getManifest(adapter, manifestSeq),
                manifest -> found(manifestSeq, manifest),
                failure -> found(manifestSeq, Manifest.getDefaultInstance()));
    }

    private void found(long seq, Manifest manifest) {
        Map<String, Example> byId = new HashMap<>();
        manifest.getExamplesList().forEach(example -> byId.put(example.getExampleId(), example));
        for (LabelledExample asking : Objects.requireNonNull(askedFor.remove(seq), "asked for")) {
            Example claimed = byId.get(asking.getExample().getExampleId());
            if (claimed != null && claimed.getFeedbackList()
                    .containsAll(asking.getExample().getFeedbackList())) {
                host.alreadyClaimed(asking);
            } else {
                refuse(asking, "manifest " + seq);
            }
        }
    }

    private void refuse(LabelledExample example, String where) {
        host.refuse(example, REFUSAL_REASON_DUPLICATE,
                "the same label by another event is claimed by " + where);
    }
}
