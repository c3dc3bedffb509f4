/** Two soft notes, made here. */
const NOTES = [{ hertz: 660, at: 0 }, { hertz: 880, at: 0.11 }];
const LOUD = 0.12;
const SECONDS = 0.22;

/** Say that something has come. A page that was never touched may make no sound: then it is silent. */
export function beep() {
  try {
    const context = new AudioContext();
    if (context.state === "suspended") return void context.close();
    for (const { hertz, at } of NOTES) note(context, hertz, context.currentTime + at);
    setTimeout(() => void context.close(), 1000);
  } catch {
    // No device to hear it with.
  }
}

/** @param {AudioContext} context @param {number} hertz @param {number} start seconds of the context */
function note(context, hertz, start) {
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LOUD, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.001, start + SECONDS);
  const tone = new OscillatorNode(context, { type: "sine", frequency: hertz });
  tone.connect(gain).connect(context.destination);
  tone.start(start);
  tone.stop(start + SECONDS);
}
