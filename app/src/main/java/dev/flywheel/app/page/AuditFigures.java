package dev.flywheel.app.page;

import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Where feedback ended, as the last audit of this process counted.
 *
 * @param pending -1 if the job could not be asked
 * @param refused by reason
 * @param ageSeconds since that audit
 * @param balanced whether every event is accounted for
 */
record AuditFigures(
        long acknowledged,
        long trained,
        long quarantined,
        long refusedInAll,
        SortedMap<String, Long> refused,
        long pending,
        long difference,
        long notFollowed,
        long inTwoManifests,
        double ageSeconds,
        boolean balanced) {

    /** Returns null before the first audit, and where another process audits. */
    static @Nullable AuditFigures of(MeterReader meters) {
        SortedMap<String, Long> terms =
                MeterReader.whole(meters.values("flywheel.audit.events", "term"));
        Double difference = meters.value("flywheel.audit.difference");
        Double age = meters.value("flywheel.audit.age");
        if (terms.isEmpty() || difference == null || age == null) {
            return null;
        }
        long pending = terms.getOrDefault("pending", -1L);
        long notFollowed = whole(meters.value("flywheel.audit.not.followed"));
        long twice = whole(meters.value("flywheel.audit.in.two.manifests"));
        return new AuditFigures(terms.getOrDefault("acknowledged", 0L),
                terms.getOrDefault("trained", 0L), terms.getOrDefault("quarantined", 0L),
                terms.getOrDefault("refused", 0L),
                MeterReader.whole(meters.values("flywheel.audit.refused", "reason")), pending,
                whole(difference), notFollowed, twice, age,
                pending >= 0 && whole(difference) == 0 && notFollowed == 0 && twice == 0);
    }

    private static long whole(@Nullable Double value) {
        return value == null ? 0 : Math.round(value);
    }
}
