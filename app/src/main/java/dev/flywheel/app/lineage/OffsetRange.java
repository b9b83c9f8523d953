package dev.flywheel.app.lineage;

import dev.flywheel.api.v1.FeedbackOrigin;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where in one partition of the feedback topic the events of a manifest stood. */
public record OffsetRange(int partition, long first, long last, long events) {
    static List<OffsetRange> of(List<FeedbackOrigin> origins) {
        return origins.stream()
                .collect(Collectors.groupingBy(FeedbackOrigin::getPartition, TreeMap::new,
                        Collectors.summarizingLong(FeedbackOrigin::getOffset)))
                .entrySet()
                .stream()
                .map(each -> of(each.getKey(), each.getValue()))
                .toList();
    }

    private static OffsetRange of(int partition, LongSummaryStatistics offsets) {
        return new OffsetRange(partition, offsets.getMin(), offsets.getMax(), offsets.getCount());
    }

    @Override
    public String toString() {
        return "%d:%d to %d:%d (%d events)".formatted(partition, first, partition, last, events);
    }
}
