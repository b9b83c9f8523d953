package dev.flywheel.pipelines.round;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_DUPLICATE;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.Manifest;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Finds out where the feedback behind a refused claim stands. A claim is refused as duplicate in three cases: the same event
 * came again, as after a restart, and is trained in the manifest that holds the claim; another event said the same; or another
 * event, of another impression, has the same (source, feedback_id). In the latter two this one is refused. Manifests that many examples ask for are fetched once at a time. Used by one thread.
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
                failure -> notFound(manifestSeq, failure));
    }

    private void notFound(long seq, CallFailure failure) {
        if (failure.is("MANIFEST_EXPIRED")) { // what it held is known by its claims alone, and this is one
            Objects.requireNonNull(askedFor.remove(seq), "asked for").forEach(host::alreadyClaimed);
        } else if (failure.code() == Code.NOT_FOUND) { // it is another adapter's
            found(seq, Manifest.getDefaultInstance());
        } else {
            // Whether the event is trained is not known, so it is neither: whoever starts anew asks again.
            host.fail(new IllegalStateException("manifest %d of adapter %s cannot be looked at: %s"
                    .formatted(seq, adapter, failure)));
        }
    }

    private void found(long seq, Manifest manifest) {
        for (LabelledExample asking : Objects.requireNonNull(askedFor.remove(seq), "asked for")) {
            if (holds(manifest, asking.getExample())) {
                host.alreadyClaimed(asking);
            } else {
                refuse(asking, "manifest " + seq);
            }
        }
    }

    /**
     * Whether the events behind an example are trained there: as this very example, or, where a restart had time go otherwise,
     * with another place among the labels of the same impression. Of a forgotten user's the id alone is left.
     */
    private static boolean holds(Manifest manifest, Example asking) {
        return manifest.getErasedList().contains(asking.getExampleId())
                || manifest.getExamplesList()
                        .stream()
                        .filter(each -> each.getImpressionId().equals(asking.getImpressionId()))
                        .anyMatch(each -> each.getFeedbackList()
                                .containsAll(asking.getFeedbackList()));
    }

    private void refuse(LabelledExample example, String where) {
        host.refuse(example, REFUSAL_REASON_DUPLICATE,
                "its (source, feedback_id), or the same label by another event, is claimed by "
                        + where);
    }
}
