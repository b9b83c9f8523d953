package dev.flywheel.app.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ListenAddressTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 127.0.0.1:7",
        "127.0.0.2, 127.0.0.2:7",
        "10.1.2.3, 10.1.2.3:7",
        "0.0.0.0, 127.0.0.1:7",
        "::, [::1]:7",
        "::1, [0:0:0:0:0:0:0:1]:7",
    })
    void thisProcessDialsWhatWasBoundAndLoopbackOnlyForAllAddresses(String host, String dialled) {
        assertThat(new ListenAddress("server", host, 7).dialled()).isEqualTo(dialled);
    }

    @Test
    void aFreePortOnAnAddressOfThisMachineWillDo() {
        assertThatCode(() -> new ListenAddress("server", "127.0.0.1", 0).require("server.port"))
                .doesNotThrowAnyException();
    }

    @Test
    void aNameThatCannotBeResolvedIsNotTakenForATakenPort() {
        assertThatThrownBy(
                () -> new ListenAddress("metrics", "no such host", 0).require("metrics.port"))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("metrics.host is \"no such host\"")
                .hasMessageContaining("resolve");
    }

    @Test
    void anAddressOfAnotherMachineIsNotTakenForATakenPort() {
        // Kept for documentation: nobody has it.
        assertThatThrownBy(
                () -> new ListenAddress("server", "192.0.2.1", 0).require("server.port"))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("server.host is \"192.0.2.1\"")
                .hasMessageContaining("not an address of this machine");
    }

    @Test
    void aTakenPortIsNamedWithEveryWayToChangeIt() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThatThrownBy(
                    () -> new ListenAddress("server", "127.0.0.1", taken.getLocalPort())
                            .require("--port or server.port"))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining("port " + taken.getLocalPort() + " on 127.0.0.1")
                    .hasMessageContaining("set --port or server.port to a free one");
        }
    }
}
