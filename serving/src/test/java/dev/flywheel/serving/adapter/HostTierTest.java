package dev.flywheel.serving.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class HostTierTest {
    /** Of 4 + 4 floats. */
    private static final LoraWeights WEIGHTS = new LoraWeights(
            new LoraConfig(1, 1, false, List.of("q"), new TreeMap<>(), new TreeMap<>()),
            new TreeMap<>(Map.of("layer.q",
                    new LoraPair("layer.q", 1, 4, 4, new float[4], new float[4]))));

    private static VersionKey version(long number) {
        return new VersionKey("a", number);
    }

    @Test
    void itHoldsNoMoreThanItMayAndForgetsTheLongestUnused() {
        HostTier tier = new HostTier(64);
        tier.keep(version(1), WEIGHTS);
        tier.keep(version(2), WEIGHTS);
        assertThat(tier.bytes()).isEqualTo(64);
        assertThat(tier.find(version(1))).isSameAs(WEIGHTS);
        tier.keep(version(3), WEIGHTS);
        assertThat(tier.bytes()).isEqualTo(64);
        assertThat(tier.find(version(2))).isNull();
        assertThat(tier.find(version(1))).isSameAs(WEIGHTS);
        assertThat(tier.find(version(3))).isSameAs(WEIGHTS);
    }

    @Test
    void whatIsKeptAlreadyCountsOnce() {
        HostTier tier = new HostTier(64);
        tier.keep(version(1), WEIGHTS);
        tier.keep(version(1), WEIGHTS);
        assertThat(tier.bytes()).isEqualTo(32);
    }

    @Test
    void whatIsLargerThanAllOfItIsNotKept() {
        HostTier tier = new HostTier(31);
        tier.keep(version(1), WEIGHTS);
        assertThat(tier.bytes()).isZero();
        assertThat(tier.find(version(1))).isNull();
    }
}
