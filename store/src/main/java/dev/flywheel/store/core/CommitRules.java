package dev.flywheel.store.core;

/**
 * Decides commands: {@code decide(state, command) → facts or a refusal}.
 *
 * <p>A function of its arguments alone, so every decision can be replayed. Stateless and thread-safe; the caller makes sure
 * that nothing is appended between a decision and its facts.
 */
public final class CommitRules {
    private final AdapterRules adapters;
    private final ManifestRules manifests;
    private final OutcomeRules outcomes;
    private final AliasRules aliases;
    private final RepairRules repairs;
    private final ReplayRules replays;
    private final ExpiryRules expiry;

    public CommitRules(Limits limits, Retention retention) {
        this.aliases = new AliasRules(limits, retention);
        this.adapters = new AdapterRules(limits, retention);
        this.manifests = new ManifestRules(limits);
        this.outcomes = new OutcomeRules(retention);
        this.repairs = new RepairRules(retention);
        this.replays = new ReplayRules(limits, retention);
        this.expiry = new ExpiryRules(retention);
    }

    /** The decision on one command. */
    @SuppressWarnings("unchecked") // each case returns the reply that its command is declared with
    public <R> Decision<R> decide(StoreState state, Command<R> command, CommitView view) {
        return (Decision<R>) switch (command) {
            case Command.CreateAdapter create -> adapters.create(state, create, view);
            case Command.ConfigureAdapter configure -> adapters.configure(state, configure);
            case Command.DeleteAdapter delete -> adapters.delete(state, delete, view);
            case Command.AcquireEpoch acquire -> adapters.acquire(state, acquire);
            case Command.PutManifest put -> manifests.put(state, put, view);
            case Command.PutOutcome put -> outcomes.put(state, put, view);
            case Command.PutReplay put -> replays.put(state, put, view);
            case Command.Rollback rollback -> repairs.rollback(state, rollback, view);
            case Command.Excise excise -> repairs.excise(state, excise, view);
            case Command.Readmit readmit -> repairs.readmit(state, readmit, view);
            case Command.Forget forget -> repairs.forget(state, forget, view);
            case Command.ForgetWithdrawn forget -> repairs.forget(state, forget, view);
            case Command.Expire expire -> expiry.expire(state, expire, view);
            case Command.Erase erase -> repairs.erase(erase, view);
            case Command.SetAlias set -> aliases.set(state, set, view);
            case Command.WithdrawFeedback withdraw -> manifests.withdraw(state, withdraw, view);
            case Command.Withdraw withdraw -> manifests.withdraw(withdraw, view);
        };
    }
}
