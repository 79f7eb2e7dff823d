"""The engine room: claims, runs and finishes jobs, beats, rescues. Knows job types only by name.

`supervisor` keeps the process alive · `worker` is a thread with an event loop · `shift` its life in it ·
`pump` moves jobs, one `step` (one commit) after the other · `tasks` runs `async def` handlers ·
`held` knows what is ours and until when · `heart` beats and renews leases · `chores` rescues, keeps
recurring work going and sweeps · `identity` the uuid and lock of one boot
"""
