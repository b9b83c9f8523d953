package dev.flywheel.app.demo;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Simulated readers in groups of opposed tastes.
 *
 * <p>Group g likes exactly one topic and no two groups like the same, so no item is liked by all. A reader's group
 * shows only in the context of the request. The tastes drift once: every group moves on to the topic of another.
 *
 * @param seed fixes the readers' ids
 * @param groups what tells a group, e.g. the part of town its readers live in
 * @param remarks facts about a reader that mean nothing
 * @param topics topics of the items; at least as many as groups
 * @param items what there is to read; some of each topic that a group likes
 */
record Readers(
        long seed,
        List<String> groups,
        List<String> remarks,
        List<String> topics,
        List<Item> items) {
    private static final double CLICK_LIKED = 0.9;
    private static final double CLICK_OTHER = 0.03;
    private static final double EXAMINE_NEXT = 0.7;
    private static final int READERS_PER_GROUP = 400;

    Readers {
        if (groups.size() < 6 || topics.size() < groups.size()) {
            throw new IllegalArgumentException(
                    "need at least 6 groups and a topic for each, got %d groups and %d topics"
                            .formatted(groups.size(), topics.size()));
        }
        if (remarks.isEmpty()) {
            throw new IllegalArgumentException("need at least one remark, got none");
        }
        for (String topic : topics.subList(0, groups.size())) {
            if (items.stream().noneMatch(item -> item.topic().equals(topic))) {
                throw new IllegalArgumentException("topic %s has no item".formatted(topic));
            }
        }
    }

    /** One reader: which group, and what a request says about them. */
    record Reader(int group, String user, String context) {}

    Reader draw(SplittableRandom random) {
        int group = random.nextInt(groups.size());
        String remark = remarks.get(random.nextInt(remarks.size()));
        int number = random.nextInt(READERS_PER_GROUP);
        return new Reader(group, user(group, number), groups.get(group) + ", " + remark);
    }

    /** Returns an id of a reader's own that says nothing of the group: only the context may tell that. */
    private String user(int group, int number) {
        SplittableRandom ids =
                new SplittableRandom(seed * 1_000_003 + (long) group * READERS_PER_GROUP + number);
        return "reader-" + HexFormat.of().toHexDigits(ids.nextLong());
    }

    /** Returns the topic that a group likes. */
    String taste(int group, boolean drifted) {
        return topics.get(drifted ? (group + 1) % groups.size() : group);
    }

    /**
     * Says what a reader clicks of a slate: looks at it from the top, stops at the first click.
     *
     * @param slate topics of the shown items, best first
     * @param random a source of its own for each slate and the same for each arm
     * @return the place of the clicked item, -1 if none
     */
    int click(Reader reader, boolean drifted, List<String> slate, SplittableRandom random) {
        for (int place = 0; place < slate.size(); place++) {
            boolean liked = slate.get(place).equals(taste(reader.group(), drifted));
            if (random.nextDouble() < (liked ? CLICK_LIKED : CLICK_OTHER)) {
                return place;
            }
            if (random.nextDouble() >= EXAMINE_NEXT) {
                return -1;
            }
        }
        return -1;
    }

    /** Returns one item of each topic that a group likes, in random order. */
    List<Item> candidates(SplittableRandom random) {
        List<Item> chosen = new ArrayList<>();
        for (int t = 0; t < groups.size(); t++) {
            String topic = topics.get(t);
            List<Item> ofTopic = items.stream().filter(item -> item.topic().equals(topic)).toList();
            chosen.add(ofTopic.get(random.nextInt(ofTopic.size())));
        }
        for (int i = chosen.size() - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            Item other = chosen.get(i);
            chosen.set(i, chosen.get(j));
            chosen.set(j, other);
        }
        return chosen;
    }

    /** A short text that may be shown. */
    record Item(String id, String topic, String text) {}
}
