package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Claims again, one by one, what a repair has left of an adapter's manifests. Used by one thread. */
final class ReplayClaims {
    private static final Logger log = LoggerFactory.getLogger(ReplayClaims.class);

    private final AdapterRounds owner;
    private final RoundServers servers;
    private final PatientCalls calls;

    ReplayClaims(AdapterRounds owner, RoundServers servers, PatientCalls calls) {
        this.owner = owner;
        this.servers = servers;
        this.calls = calls;
    }

    /** Claims the next one. */
    void claim(long seq, long epoch, long head, String backend) {
        PutReplayRequest request = PutReplayRequest.newBuilder()
                .setAdapter(owner.adapter())
                .setSeq(seq)
                .setEpoch(epoch)
                .setParent(head)
                .setBackend(backend)
                .build();
        calls.call("replay", () -> servers.putReplay(request), reply -> claimed(request, reply),
                this::notClaimed);
    }

    private void claimed(PutReplayRequest request, PutReplayReply reply) {
        if (reply.getClaimed() > 0) {
            log.info("training again adapter={} manifest={} as={} examples={}", owner.adapter(),
                    reply.getReplays(), request.getSeq(), reply.getClaimed());
        }
        owner.replayed(request, reply);
    }

    private void notClaimed(CallFailure failure) {
        if (failure.is("NOTHING_TO_REPAIR")) {
            owner.repaired();
        } else if (failure.is("REPAIR_BEGAN") || failure.is("SEQ_TAKEN")) {
            owner.repairBegan();
        } else if (failure.noAdapter()) {
            owner.gone();
        } else {
            owner.broken(failure);
        }
    }
}
