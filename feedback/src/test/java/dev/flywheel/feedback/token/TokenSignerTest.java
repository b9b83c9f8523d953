package dev.flywheel.feedback.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.VersionRef;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenSignerTest {
    private static final Impression IMPRESSION = Impression.newBuilder()
            .setImpressionId("imp-1")
            .setTenant("acme")
            .setUser("u-7")
            .setNodeId("node-3")
            .setServedAtMillis(1_000)
            .setVersion(VersionRef.newBuilder()
                    .setAdapter("news/ranker")
                    .setNumber(3)
                    .setDigest("ab".repeat(32)))
            .build();
    private static final FeedbackToken TOKEN = FeedbackToken.of(IMPRESSION, Duration.ofHours(24));

    private final TokenSigner signer = new TokenSigner(keys("a", 1));

    private static TokenKeys keys(String id, int fill) {
        return TokenKeys.parse(TokenKeys.format(id, secret(fill)));
    }

    private static byte[] secret(int fill) {
        byte[] secret = new byte[32];
        Arrays.fill(secret, (byte) fill);
        return secret;
    }

    @Test
    void aSignedTokenSaysWhatWasSigned() {
        assertThat(signer.verify(signer.sign(TOKEN))).isEqualTo(new TokenCheck.Genuine(TOKEN));
        assertThat(TOKEN.expiresAt())
                .isEqualTo(Instant.ofEpochMilli(1_000).plus(Duration.ofHours(24)));
    }

    @Test
    void aTokenOfAnOlderReleaseIsStillReadAndNamesNoNode() throws Exception {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(body)) {
            out.writeByte(2);
            for (String text : List.of("a", TOKEN.impressionId(), TOKEN.tenant(),
                    TOKEN.adapter())) {
                out.writeUTF(text);
            }
            out.writeLong(TOKEN.version());
            out.writeUTF(TOKEN.digest());
            out.writeUTF(TOKEN.userHash());
            out.writeLong(TOKEN.servedAt().toEpochMilli());
            out.writeLong(TOKEN.expiresAt().toEpochMilli());
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret(1), "HmacSHA256"));
        byte[] signature = mac.doFinal(body.toByteArray());
        body.write(signature);
        String text = Base64.getUrlEncoder().withoutPadding().encodeToString(body.toByteArray());
        FeedbackToken token = ((TokenCheck.Genuine) signer.verify(text)).token();
        assertThat(token.nodeId()).isEmpty();
        assertThat(token.fits(IMPRESSION)).isTrue();
        assertThat(TOKEN.nodeId()).isEqualTo("node-3");
    }

    @Test
    void everyAlteredByteIsSeen() {
        byte[] signed = Base64.getUrlDecoder().decode(signer.sign(TOKEN));
        for (int i = 0; i < signed.length; i++) {
            byte[] altered = signed.clone();
            altered[i] ^= 1;
            String text = Base64.getUrlEncoder().withoutPadding().encodeToString(altered);
            assertThat(signer.verify(text)).as("byte %d", i).isInstanceOf(TokenCheck.Forged.class);
        }
    }

    @Test
    void everyCutIsSeen() {
        String text = signer.sign(TOKEN);
        for (int length = 0; length < text.length(); length++) {
            assertThat(signer.verify(text.substring(0, length)))
                    .as("first %d characters", length)
                    .isInstanceOf(TokenCheck.Forged.class);
        }
        assertThat(signer.verify(text + "A")).isInstanceOf(TokenCheck.Forged.class);
        assertThat(signer.verify(text + "=")).isInstanceOf(TokenCheck.Forged.class);
        assertThat(signer.verify(" " + text)).isInstanceOf(TokenCheck.Forged.class);
        assertThat(signer.verify("x".repeat(100_000))).isInstanceOf(TokenCheck.Forged.class);
    }

    @Test
    void aTokenOfAnotherSecretUnderTheSameNameIsForged() {
        String foreign = new TokenSigner(keys("a", 2)).sign(TOKEN);
        assertThat(signer.verify(foreign)).isInstanceOf(TokenCheck.Forged.class);
    }

    @Test
    void aRotatedKeyStillVerifiesButNoLongerSigns() {
        String old = signer.sign(TOKEN);
        TokenSigner rotated = new TokenSigner(
                TokenKeys.parse(
                        TokenKeys.format("b", secret(2)) + TokenKeys.format("a", secret(1))));
        assertThat(rotated.verify(old)).isEqualTo(new TokenCheck.Genuine(TOKEN));
        assertThat(signer.verify(rotated.sign(TOKEN))).isInstanceOf(TokenCheck.Forged.class);
    }

    @Test
    void aTokenFitsItsImpressionOnly() {
        assertThat(TOKEN.fits(IMPRESSION)).isTrue();
        assertThat(TOKEN.fits(IMPRESSION.toBuilder().setImpressionId("imp-2").build())).isFalse();
        assertThat(TOKEN.fits(IMPRESSION.toBuilder().setTenant("other").build())).isFalse();
        assertThat(TOKEN.fits(IMPRESSION.toBuilder().setUser("u-8").build())).isFalse();
        Impression.Builder otherVersion = IMPRESSION.toBuilder();
        otherVersion.getVersionBuilder().setNumber(4);
        assertThat(TOKEN.fits(otherVersion.build())).isFalse();
        Impression.Builder otherDigest = IMPRESSION.toBuilder();
        otherDigest.getVersionBuilder().setDigest("cd".repeat(32));
        assertThat(TOKEN.fits(otherDigest.build())).isFalse();
    }

    @Test
    void userHashesDoNotCollideAcrossTheBorderOfTenantAndUser() {
        assertThat(FeedbackToken.hashOf("ab", "c")).isNotEqualTo(FeedbackToken.hashOf("a", "bc"));
    }

    @Test
    void keyFilesNameTheLineThatIsWrongAndNeverTheSecret(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("keys");
        Files.writeString(file,
                "# comment\n\n" + TokenKeys.format("a", secret(1)) + "b=c2hvcnQ=\n");
        assertThatThrownBy(() -> TokenKeys.read(file))
                .hasMessage(
                        "token key file, line 4: the secret of key b has 5 bytes, at least 32 are needed");
        assertThatThrownBy(() -> TokenKeys.parse("c2hvcnQ="))
                .hasMessageContaining("line 1")
                .hasMessageNotContaining("c2hv");
        assertThatThrownBy(() -> TokenKeys.parse("\n")).hasMessageContaining("holds no key");
        assertThatThrownBy(() -> TokenKeys.parse(
                TokenKeys.format("a", secret(1)) + TokenKeys.format("a", secret(2))))
                .hasMessageContaining("stands twice");
    }
}
