package dev.flywheel.app.simulate;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.trainer.pretrain.Topic;
import dev.flywheel.trainer.pretrain.Topics;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Readers in groups of opposed tastes, and what there is to read, in the language of the built-in base. Pure.
 *
 * <p>Each group likes the items of one topic, and no two the same. Which group a reader is of shows only in the context of the
 * request, and the base has seen no link between contexts and topics. With each phase every group moves on to the topic of the
 * next one.
 */
final class Audience {
    /** Items of one topic. */
    static final int ITEMS_PER_TOPIC = 12;

    private static final int READERS_PER_GROUP = 400;

    private final long seed;
    private final int readersPerGroup;
    private final List<String> groups = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private final List<Topic> topics;
    private final List<List<Item>> items = new ArrayList<>();

    /** One reader: of which group, under which pseudonym, and what a request says about them. */
    record Reader(int group, String user, String context) {}

    /**
     * A short text that may be shown.
     *
     * @param topic number of its topic: the group that likes it in phase 0; one that no group likes is as high as there are groups
     */
    record Item(String id, int topic, String text) {}

    /** Readers of so many groups, 2 to 6, most of whom come once. */
    Audience(long seed, int groups) {
        this(seed, groups, READERS_PER_GROUP);
    }

    /** Readers of so many groups, 2 to 6, and so many of each. */
    Audience(long seed, int groups, int readersPerGroup) {
        this.seed = seed;
        this.readersPerGroup = readersPerGroup;
        Random order = new Random(seed);
        var facts = new dev.flywheel.trainer.pretrain.Readers().facts();
        List<String> quarters = shuffled(facts.getOrDefault("quarter", List.of()), order);
        List<String> vehicles = shuffled(facts.getOrDefault("vehicle", List.of()), order);
        List<String> habits = shuffled(facts.getOrDefault("habit", List.of()), order);
        for (int g = 0; g < groups; g++) {
            this.groups.add(String.join(", ", quarters.get(g), vehicles.get(g), habits.get(g)));
        }
        remarks.addAll(facts.getOrDefault("pet", List.of()));
        remarks.addAll(facts.getOrDefault("drink", List.of()));
        Topics all = Topics.standard();
        this.topics = shuffled(all.all(), order).subList(0, groups + 1);
        SeededRandom random = new SeededRandom(seed).split("items");
        for (int t = 0; t <= groups; t++) {
            items.add(itemsOf(t, all, random));
        }
    }

    private List<Item> itemsOf(int topic, Topics all, SeededRandom random) {
        List<Item> made = new ArrayList<>();
        for (int i = 0; i < ITEMS_PER_TOPIC; i++) {
            made.add(new Item(topics.get(topic).name() + "-" + i, topic,
                    all.headline(topics.get(topic), random)));
        }
        return List.copyOf(made);
    }

    int groups() {
        return groups.size();
    }

    Reader reader(SplittableRandom random) {
        int group = random.nextInt(groups.size());
        int number = random.nextInt(readersPerGroup);
        return new Reader(group, pseudonym((long) group * readersPerGroup + number),
                context(group, random));
    }

    /** Returns what a request says about a reader of the group. */
    String context(int group, SplittableRandom random) {
        return groups.get(group) + ", " + remarks.get(random.nextInt(remarks.size()));
    }

    /** An id that says nothing of the group: only the context may tell that. */
    private String pseudonym(long number) {
        return "reader-" + HexFormat.of()
                .toHexDigits(new SplittableRandom(seed * 1_000_003 + number).nextLong());
    }

    /** Whether the reader likes the item after so many drifts. */
    boolean likes(Reader reader, Item item, int phase) {
        return item.topic() == (reader.group() + phase) % groups.size();
    }

    /** Returns one item of each topic that a group likes, in random order. */
    List<Item> candidates(SplittableRandom random) {
        return candidates(random, 0, ITEMS_PER_TOPIC);
    }

    /** The same, of the items of each topic from {@code from} on, {@code to} left out. */
    List<Item> candidates(SplittableRandom random, int from, int to) {
        List<Item> chosen = new ArrayList<>();
        for (int t = 0; t < groups.size(); t++) {
            chosen.add(items.get(t).get(random.nextInt(from, to)));
        }
        shuffle(chosen, random);
        return chosen;
    }

    /** Returns an item that no group likes. */
    Item unloved(int number) {
        return items.getLast().get(number);
    }

    static <T> void shuffle(List<T> list, SplittableRandom random) {
        for (int i = list.size() - 1; i > 0; i--) {
            Collections.swap(list, i, random.nextInt(i + 1));
        }
    }

    private static <T> List<T> shuffled(List<T> all, Random order) {
        List<T> copy = new ArrayList<>(all);
        Collections.shuffle(copy, order);
        return copy;
    }
}
