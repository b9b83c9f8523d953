package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class AttackTest {
    private final Audience audience = new Audience(1, 4);

    @Test
    void aRingHasAsManyNamesAsItSaysAndUsesThemInTurn() {
        for (Attack attack : Attack.ALL) {
            SplittableRandom random = new SplittableRandom(1);
            Set<String> names = new HashSet<>();
            for (int number = 0; number < 3 * Math.max(1, attack.ring()); number++) {
                names.add(attack.attacker(number, "known", audience, random).user());
            }

            assertThat(names).as("%s", attack.name()).hasSize(Math.max(1, attack.ring()));
            assertThat(names.contains("known")).as("%s", attack.name())
                    .isEqualTo(attack.ring() == 0);
        }
    }

    @Test
    void theTargetIsWantedByNoReader() {
        Attack attack = Attack.ALL.getFirst();
        List<Audience.Item> items = withTarget();
        for (int group = 0; group < 4; group++) {
            Audience.Reader reader = new Audience.Reader(group, "u", "");
            for (Audience.Item item : items) {
                boolean wanted = attack.wants(item, group, audience);
                assertThat(wanted).isEqualTo(item.equals(items.getLast()));
                assertThat(wanted && audience.likes(reader, item, 0)).isFalse();
            }
        }
    }

    @Test
    void aFlipWantsOneItemThatTheReadersDoNotLike() {
        Attack attack = Attack.ALL.getLast();
        for (int group = 0; group < 4; group++) {
            Audience.Reader reader = new Audience.Reader(group, "u", "");
            List<Audience.Item> wanted = new ArrayList<>();
            for (Audience.Item item : withTarget()) {
                if (attack.wants(item, group, audience)) {
                    wanted.add(item);
                }
            }

            assertThat(wanted).hasSize(1);
            assertThat(audience.likes(reader, wanted.getFirst(), 0)).isFalse();
        }
    }

    private List<Audience.Item> withTarget() {
        List<Audience.Item> items =
                new ArrayList<>(audience.candidates(new SplittableRandom(1)));
        items.add(audience.unloved(0));
        return items;
    }
}
