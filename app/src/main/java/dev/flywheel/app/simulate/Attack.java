package dev.flywheel.app.simulate;

import java.util.List;
import java.util.SplittableRandom;

/**
 * People who click to make an adapter wrong. Pure.
 *
 * @param name of the attack
 * @param ring how many new pseudonyms they have; their clicks are spread evenly over them; 0: they use that of a known reader
 * @param aim what they want to see on top
 */
record Attack(String name, int ring, Aim aim) {
    /** What is to stand on top. */
    enum Aim {
        /** One item that nobody likes. */
        TARGET,
        /** What the readers of another group like: labels are flipped. */
        FLIP
    }

    /** A reader of old, one new pseudonym, rings of some more, and a ring that flips labels. */
    static final List<Attack> ALL = List.of(
            new Attack("one known user", 0, Aim.TARGET),
            new Attack("one new user", 1, Aim.TARGET),
            new Attack("ring of 10", 10, Aim.TARGET),
            new Attack("ring of 50", 50, Aim.TARGET),
            new Attack("ring of 90", 90, Aim.TARGET),
            new Attack("ring of 250", 250, Aim.TARGET),
            new Attack("flips by 50", 50, Aim.FLIP));

    /** Returns who makes request {@code number}: in turn, in an honest reader's words. */
    Audience.Reader attacker(long number, String known, Audience audience,
            SplittableRandom random) {
        int group = random.nextInt(audience.groups());
        String user = ring == 0 ? known : "visitor-%s-%d".formatted(aim, number % ring);
        return new Audience.Reader(group, user, audience.context(group, random));
    }

    /** Returns whether the item is what the attack wants to see on top for readers of the group. */
    boolean wants(Audience.Item item, int group, Audience audience) {
        return switch (aim) {
            case TARGET -> item.topic() == audience.groups();
            case FLIP -> item.topic() == (group + 1) % audience.groups();
        };
    }
}
