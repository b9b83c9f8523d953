package dev.flywheel.adapters.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdentityTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "news/ranker", "0-9/z", "n2"})
    void acceptsNamesOfOneOrTwoSegments(String name) {
        assertThat(new AdapterName(name)).hasToString(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "/", "a/", "a/b/c", "../a", "A", "a b", "-a", "a/.b", "a\n", "é"})
    void refusesNamesThatCouldBeReadAsSomethingElse(String name) {
        assertThatThrownBy(() -> new AdapterName(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("such as news/ranker");
    }

    @Test
    void digestIsSha256() {
        assertThat(Digest.of("abc").hex())
                .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assertThat(Digest.ofRaw(Digest.of("abc").raw())).isEqualTo(Digest.of("abc"));
    }

    @Test
    void fieldsThatJoinToTheSameTextHashDifferently() {
        assertThat(Digest.stream().field("ab").field("c").finish())
                .isNotEqualTo(Digest.stream().field("a").field("bc").finish());
    }
}
