package dev.flywheel.serving.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class AliasPointerTest {
    private final AliasPointer pointer = new AliasPointer("news/ranker", "serving", 1);

    @Test
    void aRequestThatJoinsWhatAnEventBeganIsSeenWhenThatEnds() {
        CompletableFuture<Resident> coming = pointer.bring(false, () -> {});
        assertThat(pointer.bring(true, () -> {})).isSameAs(coming);
        assertThat(pointer.end()).isEqualTo(new AliasPointer.Bringing(coming, true));
    }

    @Test
    void aRequestThatComesAfterTheEndBeginsAnew() {
        CompletableFuture<Resident> first = pointer.bring(false, () -> {});
        assertThat(pointer.end()).isEqualTo(new AliasPointer.Bringing(first, false));
        assertThat(pointer.end()).isNull();
        CompletableFuture<Resident> second = pointer.bring(true, () -> {});
        assertThat(second).isNotSameAs(first);
        assertThat(pointer.end()).isEqualTo(new AliasPointer.Bringing(second, true));
    }
}
