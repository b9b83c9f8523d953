package dev.flywheel.serving.settings;

import java.time.Duration;

/**
 * Limits of requests.
 *
 * @param waitingMax requests that may wait for the device
 * @param perTenantMax requests of one tenant, waiting and running
 * @param runningMax requests that hold cache blocks at once
 * @param tokensWaitingMax tokens that the waiting requests may cost together
 * @param queueTimeMax how long a request may have to wait for the device; those that would for longer are refused
 * @param deadline for requests that carry none
 * @param deadlineMax longest deadline that is honoured
 * @param candidatesMax candidates of a Rank request
 * @param continuationsMax continuations of a Score request
 * @param tokensMax largest {@code max_tokens} of a Generate request
 * @param tokensDefault what an unset {@code max_tokens} means
 * @param textCharsMax characters of any one text, checked before it is tokenized
 * @param stallTimeout how long a reader of a stream may not read
 */
public record RequestSettings(
        int waitingMax,
        int perTenantMax,
        int runningMax,
        long tokensWaitingMax,
        Duration queueTimeMax,
        Duration deadline,
        Duration deadlineMax,
        int candidatesMax,
        int continuationsMax,
        int tokensMax,
        int tokensDefault,
        int textCharsMax,
        Duration stallTimeout) {
    public RequestSettings {
        Checks.atLeast("requests_waiting_max", waitingMax, 1);
        Checks.atLeast("requests_per_tenant_max", perTenantMax, 1);
        Checks.atLeast("requests_running_max", runningMax, 1);
        Checks.atLeast("tokens_waiting_max", tokensWaitingMax, 1);
        Checks.positive("queue_time_max", queueTimeMax);
        Checks.positive("deadline_default", deadline);
        Checks.positive("deadline_max", deadlineMax);
        Checks.atLeast("candidates_max", candidatesMax, 1);
        Checks.atLeast("continuations_max", continuationsMax, 1);
        Checks.atLeast("tokens_max", tokensMax, 1);
        Checks.within("tokens_default", tokensDefault, 1, tokensMax);
        Checks.atLeast("text_chars_max", textCharsMax, 1);
        Checks.positive("stall_timeout", stallTimeout);
    }

    public static RequestSettings defaults() {
        return new RequestSettings(256, 128, 64, 1 << 20, Duration.ofSeconds(2),
                Duration.ofSeconds(30),
                Duration.ofMinutes(10), 256, 16, 512, 64, 65_536, Duration.ofSeconds(20));
    }
}
