package dev.flywheel.pipelines.intake;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.api.v1.TakenFeedback;
import java.time.Instant;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;

class DeadLettersTest {
    private static final int KEPT = 1_000;
    private static final DeadLetters LETTERS = new DeadLetters("guard", "topic", KEPT);
    private static final String LONGEST_ID = "\u20ac".repeat(128);

    @Test
    void anEventOfAllowedLengthIsKeptWhole() {
        TakenFeedback taken = taken(new byte[KEPT]);
        RefusedFeedback refused = letter(taken, "why").getRefused();
        assertThat(refused.getOriginal()).isEqualTo(taken.getOriginal());
        assertThat(refused.getOriginalBytes()).isEqualTo(KEPT);
        assertThat(refused.getOriginalDigest()).isEqualTo(Digest.of(new byte[KEPT]).hex());
    }

    @Test
    void noLetterIsLargerThanItsSinkIsMadeFor() {
        byte[] endless = new byte[5 << 20];
        endless[KEPT - 1] = 7;
        DeadLetter letter = letter(taken(endless), "\u20ac".repeat(3 << 20));
        assertThat(letter.getRefused().getOriginal().size()).isEqualTo(KEPT);
        assertThat(letter.getRefused().getOriginal().byteAt(KEPT - 1)).isEqualTo((byte) 7);
        assertThat(letter.getRefused().getOriginalBytes()).isEqualTo(5 << 20);
        assertThat(letter.getRefused().getOriginalDigest()).isEqualTo(Digest.of(endless).hex());
        assertThat(bytesOf(new DeadLetterSerializer().serialize(letter, null, null)))
                .isLessThanOrEqualTo(DeadLetters.recordBytesMax(KEPT));
    }

    private static DeadLetter letter(TakenFeedback taken, String detail) {
        return LETTERS.of(taken, RefusalReason.REFUSAL_REASON_CAPPED, detail, Instant.EPOCH);
    }

    private static TakenFeedback taken(byte[] original) {
        return TakenFeedback.newBuilder()
                .setEvent(FeedbackEvent.newBuilder()
                        .setFeedbackId(LONGEST_ID)
                        .setSource(LONGEST_ID)
                        .setImpressionId(LONGEST_ID))
                .setOriginal(ByteString.copyFrom(original))
                .build();
    }

    private static int bytesOf(ProducerRecord<byte[], byte[]> record) {
        int bytes = record.key().length + record.value().length;
        for (Header header : record.headers()) {
            bytes += header.key().length() + header.value().length;
        }
        return bytes;
    }
}
