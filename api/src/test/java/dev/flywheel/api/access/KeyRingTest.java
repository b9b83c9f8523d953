package dev.flywheel.api.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyRingTest {
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final String DIGEST = KeyRing.digestOf("secret");

    private static String line(String name, String key, String more) {
        return "name=%s roles=infer,feedback sha256=%s %s%n".formatted(name,
                KeyRing.digestOf(key), more);
    }

    @Test
    void aKeyStandsForWhoeverItsDigestNames() {
        KeyRing ring = KeyRing.read("# readers\n\n" + line("a", "one", "")
                + line("b", "two", "tenants=news,shop"));

        assertThat(ring.ofKey("two", NOW)).contains(
                new Caller("b", Set.of(Role.INFER, Role.FEEDBACK), Set.of("news", "shop")));
        assertThat(ring.ofKey("three", NOW)).isEmpty();
        assertThat(ring.ofKey("", NOW)).isEmpty();
        assertThat(ring.ofKey(KeyRing.digestOf("two"), NOW)).isEmpty();
    }

    @Test
    void aKeyIsWorthNothingFromTheMomentItExpires() {
        KeyRing ring = KeyRing.read(line("a", "one", "expires=2026-06-01T00:00:00Z"));

        assertThat(ring.ofKey("one", NOW.minusMillis(1))).isPresent();
        assertThat(ring.ofKey("one", NOW)).isEmpty();
    }

    @Test
    void aCertificateStandsForItsCommonName() {
        KeyRing ring = KeyRing.read("name=ops roles=operate certificate=ops.example");

        assertThat(ring.ofCertificate("ops.example", NOW)).map(Caller::name).contains("ops");
        assertThat(ring.ofCertificate("other", NOW)).isEmpty();
        assertThat(ring.ofKey("ops.example", NOW)).isEmpty();
    }

    @Test
    void aCallerActsForItsTenantsOnlyAndForAllIfNoneAreNamed() {
        assertThat(new Caller("a", Set.of(), Set.of("news")).mayActFor("news")).isTrue();
        assertThat(new Caller("a", Set.of(), Set.of("news")).mayActFor("shop")).isFalse();
        assertThat(new Caller("a", Set.of(), Set.of()).mayActFor("shop")).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    name=a roles=infer                                        | give either sha256=HEX or certificate=NAME
                    name=a roles=infer sha256=DIGEST certificate=c            | give either sha256=HEX or certificate=NAME
                    name=a roles=infer sha256=12                              | sha256 has 2 characters, it must have 64
                    name=a roles=root sha256=DIGEST                           | "root" is no role, allowed are infer,feedback,operate,admin
                    name=a sha256=DIGEST                                      | roles is empty
                    name=a/b roles=infer sha256=DIGEST                        | name is "a/b"
                    roles=infer sha256=DIGEST                                 | name is ""
                    name=a roles=infer sha256=DIGEST tenants=A                | tenants has "A"
                    name=a roles=infer,operate sha256=DIGEST tenants=a        | operate and admin reach all tenants
                    name=a roles=infer sha256=DIGEST expires=tomorrow         | expires is "tomorrow", write it like
                    name=a roles=infer sha256=DIGEST until=never              | "until" is no field
                    name=a name=b roles=infer sha256=DIGEST                   | name stands twice
                    secret                                                    | "secret" is no field
                    """)
    void aLineThatCannotBeIsNamedWithWhatIsWrong(String line, String told) {
        assertThatThrownBy(() -> KeyRing.read("# keys\n" + line.replace("DIGEST", DIGEST)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("line 2: ")
                .hasMessageContaining(told);
    }

    @Test
    void twoCredentialsOfOneNameAreRefused() {
        assertThatThrownBy(() -> KeyRing.read(line("a", "one", "") + line("a", "two", "")))
                .hasMessage("line 2: name a stands twice");
    }

    @Test
    void moreCredentialsThanEveryCallCanBeComparedWithAreRefused() {
        String many = IntStream.rangeClosed(0, KeyRing.SIZE_MAX)
                .mapToObj(i -> line("n" + i, "k" + i, ""))
                .collect(Collectors.joining());

        assertThatThrownBy(() -> KeyRing.read(many))
                .hasMessage("has 1001 credentials, at most 1000 are allowed");
    }
}
