package dev.flywheel.store.core;

import dev.flywheel.api.v1.VersionRange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;

/**
 * Version numbers in an order of their own, as ranges: as long as how often the order was broken, however many there are.
 * Immutable.
 */
public final class VersionRanges {
    static final VersionRanges NONE = new VersionRanges(List.of());

    private final List<VersionRange> ranges;

    private VersionRanges(List<VersionRange> ranges) {
        this.ranges = List.copyOf(ranges);
    }

    public static VersionRanges of(List<VersionRange> ranges) {
        return new VersionRanges(ranges);
    }

    static VersionRanges of(long first, long last) {
        return new VersionRanges(List.of(range(first, last)));
    }

    private static VersionRange range(long first, long last) {
        return VersionRange.newBuilder().setFirst(first).setLast(last).build();
    }

    public List<VersionRange> asList() {
        return ranges;
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    long count() {
        return ranges.stream().mapToLong(each -> each.getLast() - each.getFirst() + 1).sum();
    }

    boolean holds(long number) {
        return ranges.stream()
                .anyMatch(each -> each.getFirst() <= number && number <= each.getLast());
    }

    long first() {
        return ranges.getFirst().getFirst();
    }

    long last() {
        return ranges.getLast().getLast();
    }

    /** Returns the number so many places before the last. */
    long beforeLast(long places) {
        long left = places;
        for (VersionRange range : ranges.reversed()) {
            long length = range.getLast() - range.getFirst() + 1;
            if (left < length) {
                return range.getLast() - left;
            }
            left -= length;
        }
        throw new IllegalArgumentException("there are not " + places + " before the last");
    }

    VersionRanges with(long number) {
        List<VersionRange> more = new ArrayList<>(ranges);
        if (!more.isEmpty() && more.getLast().getLast() + 1 == number) {
            more.set(more.size() - 1, range(more.getLast().getFirst(), number));
        } else {
            more.add(range(number, number));
        }
        return new VersionRanges(more);
    }

    VersionRanges with(VersionRanges others) {
        List<VersionRange> all = new ArrayList<>(ranges);
        all.addAll(others.ranges);
        return new VersionRanges(all);
    }

    VersionRanges withoutFirst() {
        List<VersionRange> rest = new ArrayList<>(ranges.subList(1, ranges.size()));
        VersionRange head = ranges.getFirst();
        if (head.getFirst() < head.getLast()) {
            rest.addFirst(range(head.getFirst() + 1, head.getLast()));
        }
        return new VersionRanges(rest);
    }

    /** Returns those up to a number that is among them, in order. */
    VersionRanges upTo(long number) {
        List<VersionRange> kept = new ArrayList<>();
        for (VersionRange range : ranges) {
            if (range.getFirst() <= number && number <= range.getLast()) {
                kept.add(range(range.getFirst(), number));
                return new VersionRanges(kept);
            }
            kept.add(range);
        }
        throw new IllegalArgumentException(number + " is not among them");
    }

    /** Returns those behind a number that is among them, in order. */
    VersionRanges after(long number) {
        List<VersionRange> behind = new ArrayList<>();
        boolean found = false;
        for (VersionRange range : ranges) {
            if (found) {
                behind.add(range);
            } else if (range.getFirst() <= number && number <= range.getLast()) {
                found = true;
                if (number < range.getLast()) {
                    behind.add(range(number + 1, range.getLast()));
                }
            }
        }
        return new VersionRanges(behind);
    }

    VersionRanges only(LongPredicate kept) {
        VersionRanges some = NONE;
        for (long number : numbers()) {
            if (kept.test(number)) {
                some = some.with(number);
            }
        }
        return some;
    }

    /** One by one, in order. */
    List<Long> numbers() {
        List<Long> numbers = new ArrayList<>();
        for (VersionRange range : ranges) {
            for (long number = range.getFirst(); number <= range.getLast(); number++) {
                numbers.add(number);
            }
        }
        return numbers;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VersionRanges others && ranges.equals(others.ranges);
    }

    @Override
    public int hashCode() {
        return ranges.hashCode();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (VersionRange range : ranges) {
            text.append(text.isEmpty() ? "" : ", ").append(range.getFirst());
            if (range.getLast() > range.getFirst()) {
                text.append(" to ").append(range.getLast());
            }
        }
        return text.toString();
    }
}
