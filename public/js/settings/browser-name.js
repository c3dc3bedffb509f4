const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "Mac"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]];

/** What people call the program that sent this User-Agent: "Firefox, Linux". @param {string} agent */
export function browserName(agent) {
  const found = (/** @type {string[][]} */ table) => table.find(([part]) => agent.includes(part))?.[1];
  return [found(BROWSERS) ?? agent.split(/[\s/(]/)[0], found(SYSTEMS)].filter(Boolean).join(", ");
}
