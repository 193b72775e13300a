# Copyright 2026 ros2_refseg contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
Common English words, so that a proper word is not taken for another one with a typing error.

Words of up to six letters only: of longer ones, few but plurals (candies, candles) and forms in
-ing (folding, holding) lie one letter apart. Those follow from the words they are forms of, which
is what the words of three letters are for. Spellings of one word that differ between countries are
left out, since one of them may be read as the other (grey and gray).
"""

COMMON_WORDS = frozenset(
    """
    abbey abide able aboard about above abroad absent absorb absurd abuse abused accent accept
    access accord accuse acid acne acre across act acted acting action active actor actual acute
    adapt add added addict adding adhere adjust admin admire admit adopt adore adult advice
    advise aerial affair affect afford afraid after again age aged agency agenda agent aging
    agony agree agreed ahead aide aided aim aimed aiming air aired airing aisle akin alarm alas
    albeit album alert alien align alike alive allied allies allow alloy ally almost alone along
    alpha alpine also altar alter alumni always amazed amber ambush amen amend amid amidst amino
    among amount ample anchor angel anger angle angry animal ankle annual answer ant anthem anti
    anyone anyway apart apex appeal appear apple apply arcade arch archer arctic area arena
    argue argued arise arm armed armies army arose around array arrest arrive arrow art artery
    artist ashes aside ask asked asking asleep aspect assert assess asset assign assist assume
    assure asthma asylum atlas atom atomic atop attach attack attain attend attic auburn audio
    audit august aunt aurora author autism auto autumn avail avenue avoid await awake award
    aware away awful awhile axe axis baba babies baby back backed backup bacon badge badly bag
    bail bait bake baked baker bakery baking bald bale ball ballet ballot bamboo ban banana band
    bang bank banker banned banner bar barber bare barely barge bark barker barn baron barred
    barrel base based bash basic basil basin basis basket bass bat batch bath baton batter
    battle bay beach beacon beam bean bear beard beast beat beaten beauty beaver beck become bed
    bee beef been beer beet before began begin begun behalf behave behind behold being belief
    bell belle belly belong below belt bench bend bent berry beside best bet beta better beware
    beyond bias biased bible bid bigger bike bikini bill billed bin binary bind bing binge bingo
    bird birth bishop bit bite biting bitter black blade blah blame blamed blank blast blaze
    bleed blend bless blind blink bliss blitz bloc block blonde blood bloody bloom blow blown
    blue bluff blunt blur blush board boat bodies bodily body boil boiled boiler bold bolt bomb
    bond bone bonus boogie book booked booker boom boost boot booth booze border bore bored
    boring born borne borrow boss both bother bottle bottom bought bounce bound bounty bout bow
    bowel bowl boxer boxing boy brace brain brake branch brand brass brave bravo breach bread
    break breath bred breed breeze brew brick bride bridge brief bright bring brink brit broad
    brock broke broken broker bronze brook broom brow brown browse brush brutal bubble buck
    bucket bud buddy budget buffer bug build built bulb bulk bull bullet bully bump bumper bunch
    bundle bunker bunny burden bureau burger burial buried burn burned burnt burst bury bus bush
    busted busy butter button buy buyer buying buzz bye bypass cab cabin cable cache cage cake
    calf call called caller calm calmly calves cam came camel camera camp campus can canal
    cancel cancer candle candy cane canned cannon cannot canon canton canvas canyon cap cape
    capped carbon card care cared career cargo caring carpet carr carrot carry cart cartel
    carved case cash cast caste castle casual cat catch cater cattle caucus caught cause caused
    cave cavity cease ceased cedar cell cellar cement census cent cereal chain chair chalk champ
    chance chang change chant chaos chap chapel charge charm chart chase chased chat cheap cheat
    check cheek cheer cheese cheesy chef cherry chess chest chew chic chick chief child chile
    chili chill chin chip chisel choice choir choke choose chop chord chorus chose chosen chrome
    chuck chunk church cider cigar cinema circa circle circus cite cited cities citing citrus
    city civic civil clad claim clamp clan clash class classy clause claw clay clean clear
    clergy clerk clever click client cliff climax climb clinic clip clive cloak clock clone
    close closed closer closet cloth cloud cloudy clown club clue clutch coach coal coast coat
    coated cocoa code coded coding coffee coffin coil coin coke cola cold collar colon colony
    colt column coma combat combo come comedy comet comfy comic coming commit common comply
    condo cone consul convey convoy cook cooked cool cooled cooler cop cope copied copies coping
    copper copy coral cord core cork corn corner cortex cosmic cost costa costly cotton couch
    cough could count county coup couple coupon course court cousin cove cover cow coward cowboy
    cozy crab crack craft crane crank crash crate crater crawl crazy cream create credit creed
    creek creep creepy crest crew cried cries crime crises crisis crisp critic crop cross crow
    crowd crown crude cruel cruise crunch crush crust cry crying cube cubic cue cult cup curb
    cure cured curly curry curse cursed curve curved custom cut cute cutter cycle dad daddy
    daily dairy daisy dam damage damp dance danced dancer dang danger dare daring dark darker
    darn dash data date dated dating dawn day dead deadly deaf deal dealer dealt dear death
    debate debit debris debt debut decade decay decent decide deck decor decree deed deemed deep
    deeper deeply deer defeat defect defend define degree deity delay delete dell delta deluxe
    demand demise demon den denial denied denies dense dent dental deny depart depend deploy
    depot depth deputy derby desert design desire desk detail detect device devil diary dice die
    died diet differ dig digest digit dime dine ding dining dinner dip dire direct dirt dirty
    disc dish disk ditch dive divers divide divine diving dock doctor dodge does dog doing doll
    dollar domain dome donate done dong donkey donor doom doomed door dorm dose dot double doubt
    dough dove dover down dozen draft drag dragon drain drama drank draw drawer drawn dread
    dream dress drew dried drift drill drink drip drive driven driver drone drop drove drown
    drug drum drunk dry drying dual dubbed duck duct duel duke dull dumb dummy dump dumped dunno
    during dust dusty duties duty dwarf dwell dying each eager eagle ear early earn earned earth
    ease easier easily east easy eat eaten eating echo edge edged edible edit edited editor
    effect effort egg ego eight eighth eighty either elbow elder eldest elect eleven elf elite
    else email emblem empire employ empty enable end ended ending endure enemy energy engage
    engine enjoy enough ensure enter entire entity entry envy enzyme epic equal equity erase
    eraser error escape escort essay estate esteem ethics ethnic even evenly event ever every
    evil evolve exact exam exceed excel except excess excuse exempt exile exist exit exodus
    exotic expand expect expert export expose extend extent extra eye eyed fabric face faced
    facial facing fact factor fade faded fading fail failed faint fair fairly fairy faith fake
    falcon fall fallen false fame famed family famine famous fan fancy fare farm farmer fast
    faster fat fatal fate father fatty fault faulty faux fear feared feast feat fee feed feel
    feet fell fellow felony felt female fence ferry fest fetch fetus feud fever fewer fiat fibre
    field fierce fiery fifth fifty fig fight figure file filed filing fill filled film filmed
    filter filthy fin final finale finch find fine fined finest finger finish finite fire fired
    firing firm firmly first fiscal fish fist fit fitted five fix fixed fixing flag flame flank
    flare flash flask flat flaw flawed fled flee fleet flesh flew flex flick flies flight flint
    flip float flock flood floor flop flora floral flour flow flower flown fluffy fluid flush
    flux fly flyer flying foam focal focus fog foil fold folded folder folk follow fond font
    food fool fooled foot forbid force forced ford forest forge forged forget forgot fork form
    formal format formed former fort forth forty forum fossil foster fought foul found four
    fourth fox frame framed fraud freak free freed freely freeze fresh fried friend fries fringe
    frog from front frost frozen fruit fry fuel fueled full fuller fully fun fund funded funk
    funky funny fur furry fury fuse fusion fuss future fuzzy gain gained gala galaxy gale gallon
    gamble game gamer gaming gamma gang gap garage garden garner gas gate gather gauge gave gaze
    gear geared geek geese gender gene genius genome genre gentle gently genus get ghost giant
    gift gifted gig gill ginger girl give given giving glad gladly glance glass global globe
    glory glove glow glue gluten goal goat god goes going gold golden golf gone good goofy goose
    gore gosh gospel gossip gotten govern gown grab grace grad grade grain gram grand granny
    grant grape graph grasp grass grater grave gravel gravy grease great greed greedy green
    greet grew grid grief grill grim grin grind grip groom groove gross ground group grove grow
    grown growth guard guess guest guide guided guild guilt guilty guinea guitar gulf gum gun
    guru gut guy gym habit hack hacked hacker hail hair haired hairy hale half hall halo halt
    halves hamlet hammer hand handed handle handy hang hanged hanger happen happy hard harder
    hardly hardy hare harm harsh hash hassle hat hatch hate hated hating hatred haul have haven
    having hawk hazard head headed header heal healed health heap hear heard heart heat heated
    heater heath heaven heavy heck hedge heel height heir held hello helm helmet help helped hen
    hence herb herd here hereby herein hero heroes heroic hidden hide hiding high higher highly
    hike hiking hill hint hire hired hiring hit hive hockey hold holden holder hole hollow holy
    homage home homer honest honey hood hook hooked hoover hooves hop hope hoped hoping horn
    horror horse hose host hosted hotel hotter hour hourly house housed hug huge hugely hulk
    hull human humane humble humour hung hunger hungry hunt hunted hunter hurry hurt hustle hut
    hybrid hydro hymn hyper ice icon iconic idea ideal idiot idle idol ignore image immune
    impact imply import impose inch income indeed index indoor infant influx inform injury ink
    inland inn inner inning input insane insect insert inside insist insult intact intake intend
    intent inter intern into invade invent invest invite iphone iris iron irony island isle
    issue issued item itself ivory ivy jack jacket jade jail jailed jam jar jared jaw jazz jeans
    jeep jelly jerk jersey jess jet jewel job jockey join joined joint joke joker joking jolly
    joy judge judged jug juice juicy jump jumped jumper jungle junior junk jury just karate keen
    keep keeper keller kept kernel kettle key kick kicked kid kidney kill killed kind kindly
    king kiss kissed kit kite kitten kiwi knee knew knife knight knit knives knob knock knot
    know known lab label lace lack lacked lad ladder laden ladies ladle lady laid lake lamb lame
    lamp lance land landed lane lap laptop large larger larvae laser last lasted lastly latch
    late lately later latest latter laugh launch laurel lava law lawful lawn lawyer lay layer
    laying layout lazy lead leader leaf league leak leaked lean leap learn learnt lease leased
    least leave leaves leek left leg legacy legal legend legion lemon lend lender length lens
    lent less lesser lesson let lethal letter level lever liable liar lick lid lie lied life
    lift lifted light like liked likely liking lily limb lime limit line linear lined linen
    liner lining link linked lion lionel lip liquid liquor list listed listen litter little live
    lived lively liver living lizard load loaded loan loaves lobby local locate lock locked
    locker lodge loft log logged logic lone lonely long longer look looked loop loose loot lord
    lore lose loser losing loss losses lost lot lotus loud louder loudly lounge love loved
    lovely lover loving low lower lowest loyal luck lucky lumber lump lunar lunch lung lure lush
    lust luxury lying lyric macro madam madame made magic magnet maid maiden mail main mainly
    major make maker makeup making male mall manage manga mango manly manner manor mantle manual
    many map maple marble march mare margin marina marine mark marked marker market marry marsh
    mart marvel mascot mash mask masked mason mass mast master mat match mate math matrix matter
    mature maybe mayor maze meadow meal mean meant meat medal media medium meet melody melon
    melt melted member memo memoir memory mend mental mentor menu mercy mere merely merge merged
    merger merit merry mesh mess messed messy met meta metal meteor meter method metric mice
    mick micro middle midst midway might mighty mild mile milk mill miller mind minded mine
    miner mini mining minor mint minus minute mirror misery miss missed mist mister mitt mix
    mixed mixing mob mobile mock mode model modern modest modify module moist mold mole moment
    mommy money monk monkey monte month mood moody moon moose moral morale more moron mortal
    mortar mosaic mosque moss most mostly motel mother motion motive motor motto mound mount
    mouse mouth move moved movie moving much mud muddy mug mummy muscle muse museum music must
    mutant mute mutual myself mystic myth nail nailed naive name named namely naming nanny
    narrow nasty nation native nature naval navy near nearby nearly neat neck need needed needle
    needy neon nephew nerve nest net neural never new newer newest newly next nexus nice nicely
    nicer niche nick nickel niece night nine ninety ninth noble nobody nod node noise noisy none
    noon nope normal north nose notch note noted notice notify noting notion noun novel null
    number nun nurse nut oak oasis oath obese obey object obtain occupy occur ocean oddly offend
    offer office offset often oil older olive omega once onion online only onset onto open
    opened opener openly opera oppose opted optic option oracle oral orange orbit order ore
    organ origin orphan other ought ounce outer outfit outlet output oval oven over overly owed
    owing owl own owned owner owning oxen oxide oxygen pace paced pack packed packet pact pad
    paddy page paid pail pain paint pair paired pal palace pale palm pan panda panel panic pants
    paper para parade parcel pardon parent parish park parked parody parole parrot part partly
    party pass passed past pasta paste pastor patch patent path patrol patron patty pause paved
    pay payday paying pea peace peach peak peanut pear pearl peck pedal peek peel peeler peer
    pen pence pencil penny people pepper period permit person pest pet petrol petty phase phone
    photo photos phrase piano pick picked pickup picnic pics pie piece pier pierce pig pigeon
    pike pile pill pillar pillow pilot pin pinch pine ping pink pinned pint pipe piper pirate
    pistol pit pitch pity pizza place placed plague plain plan plane planet plank plant plaque
    plasma plate play played player plaza plea plead please pledge plenty pliers plot plug plum
    plural plus pocket pod podium poem poet poetic poetry point poison poke poker polar pole
    police policy polish polite poll polo poly pond pony pool poor poorer poorly pop pope poppy
    porch pork port portal pose posed posing post postal posted poster pot potato potent pound
    pour poured powder power praise prank pray prayed prayer preach prefer prep press pretty
    prey price priced prick pride priest prime prince print prior prison prize probe profit
    prompt prone proof prop proper prose proud prove proved proven proxy pseudo pub public puck
    puff pull pulled pulp pulse pump pumped punch punish punk pup pupil puppet puppy pure purely
    purge purity purple purse pursue push pushed put puzzle python quad quarry quartz queen
    query quest queue quick quiet quit quite quiz quote quoted rabbit race raced racial racing
    rack radar radio radios radius rag rage raging raid rail rain rainy raise raised rally ram
    ramp ranch rand random rang range ranged ranger rank ranked ransom rant rapid rare rarely
    rash rat rate rated rather rating ratio raven ray razor reach react read reader ready real
    really realm rear reason rebel recall recent recipe reckon record reduce reed reef reel
    refer reform refuge refund refuse regain regard regime region regret reign reject relate
    relax relay relief relies rely remain remake remark remedy remind remix remote remove render
    renew rent rental rented repair repay repeal repeat replay reply report repost rescue reset
    reside resign resin resist resort rest rested result resume retail retain retire return
    reveal review revive revolt reward rhino rhyme rhythm rib ribbon rice rich richer riches
    rick ridden riddle ride rider ridge riding rifle rift right rigid rim ring riot rip ripe
    rise risen rising risk risky rite ritual rival river road roar roast robot robust rock
    rocket rocky rod rode rodney rogue role roll rolled roller roof rookie room root rooted rope
    rose roster rotary rotate rotten rouge rough round route rover row royal rub rubbed rubber
    rude rug rugged ruin ruined rule ruled ruler ruling rumor run runner runway rural rush
    rushed rust rusty sack sacked sacred saddle sadly safari safe safely safer safety saga sage
    said sail sailed sailor saint sake salad salary sale salmon salon salt salty salute same
    sample sand sandy sane sang sank santa satire sauce savage save saved saving savior savvy
    saw say saying scale scam scan scar scarce scare scared scarf scary scene scenic scent
    scheme school scoop scope score scored scorer scotch scout scrap scream screen screw script
    scroll scrub scum sea seal sealed search season seat seated second secret sector secure see
    seed seeded seeing seek seem seemed seen seize seized seldom select self sell seller semi
    senate send senior sense sensor sent sept sequel serial series sermon serum serve served
    server set settle setup seven severe sewer sewing sewn sexual shade shadow shady shaft shake
    shaken shale shall shame shape shaped share shared shark sharp shave shaved shed sheep sheer
    sheet shelf shell shield shift shin shine shiny ship shirt shock shoe shone shook shoot shop
    shore short shot should shout shove show showed shower shown shrimp shrine shrink shut sick
    side sided siege sigh sight sign signal signed silent silk silly silver simple simply sin
    since sing singer single sink sip sir sister sit site sixth sixty size sized skate sketch
    skewer ski skies skiing skill skin skinny skip skirt skull sky slack slam slap slash slate
    sleep sleepy sleeve slept slice sliced slick slid slide slight slim slip slit slogan slope
    sloppy slot slow slowed slower slowly smack small smart smash smell smile smiled smith smoke
    smoked smooth snack snail snake snap sneak sniper snow soak soaked soap sober soccer social
    sock soda sodium sofa soft softly soil solar sold sole solely solid solo solve solved some
    son song sonic soon sooner sore sorrow sorry sort sorted sought soul sound soup sour source
    south space spade spam span spare spared spark spat speak spear spec sped speech speed
    speedy spell spend spent sphere spice spicy spider spies spike spill spin spinal spine
    spiral spirit spit spite splash split spoil spoke spoken sponge spool spoon sport spot
    spouse spray spread spree spring sprint spun spur spy spying squad square squash stab stable
    stack staff stage staged stain stake stall stamp stance stand staple star stare stared stark
    start state stated static stats statue status stay stayed steady steak steal steam steel
    steep steer stem step stereo stern stick sticky stiff still sting stint stir stitch stock
    stoke stole stolen stone stood stool stop store stored storm story stove strain strait
    strand strap straw stray streak stream street stress strict strike string strip strive
    stroke strong struck stuck stud studio study stuff stung stunt stupid style styled submit
    subtle suburb subway such sucker sudden sued suffer sugar suit suite suited sum summed
    summer summit sun sung sunk sunny sunset super superb supper supply sure surely surf surge
    survey swam swamp swan swap sway swear sweat sweaty sweep sweet swell swept swift swim swing
    swipe switch sword swore sworn swung symbol sync syrup system table tablet tack tackle
    tactic tag tagged tail tailor take taken taking tale talent talk talked tall taller tally
    tame tan tang tango tank tanner tap tape tar target task taste tasted tasty tattoo taught
    tax taxi tea teach team teamed tear tease tech teen teeth tell teller temp temper temple
    tempo ten tenant tend tended tender tennis tense tent tenth tenure term termed terror test
    tested text than thank that theft their them theme themed then theory there these thesis
    they thick thief thigh thin thing think third thirst thirty this those though thread threat
    three threw thrill thrive throat throne throw thrown thrust thumb thus tick ticket tidal
    tide tidy tie tied tier tiger tight tile till tilt time timed timely timer timing tin tinder
    tiny tip tipped tire tired tissue title titled toast today toe toilet token told toll tomato
    tomb ton tone tongs tongue took tool tooth top topic topped torch tore torn torque tory toss
    tossed total touch tough tour tow toward towel tower town toxic toy trace traced track tract
    trade traded trader tragic trail train trait trap trash trauma travel tray treat treaty tree
    trek trench trend trial tribal tribe trick tricky tried tries trim trio trip triple troll
    troop trophy trout truck true truly trunk trust truth try trying tub tube tucked tuna tune
    tuned tuning tunnel turbo turf turkey turn turned turtle tutor tweed tweet twelve twenty
    twice twin twist twitch tying type typing ugly ultra unable uncle under undo unfair union
    unique unit unite united unity unless unlike unlock unpaid unreal unrest unsafe unseen
    unsure until unto unused update upheld upload upon upper upset upside upward urban urge
    urged urgent urging usage use used useful user using usual utmost utter vacant vacuum vague
    vain vale valid valley value valued valve van vanity vapor varied varies vary vases vast
    vastly vault vector vegan veil vein velvet vendor venom vent venue verb verbal verge verify
    verse versus very vessel vest vet veto viable vial vice victim video view viewed viewer
    viking vile vine vinyl violet violin viral virtue virus visa vision visit vista visual vital
    vivid vocal vodka vogue voice voiced void volume vote voted voter voting vow voyage wade
    wage wagon waist wait waited waiter wake waking walk walked walker wall wallet walnut wander
    want wanted war ward warden warm warmer warmth warn warned warp wary wash washed waste
    wasted watch water watt wave waving wax way weak weaker wealth weapon wear weary weaver web
    wedge week weekly weigh weight weird well went wept were west wet whale what wheat wheel
    when where which while whip whisk whisky white whoa whole wholly whom whose wicked wicket
    wide widely wider widow width wife wig wild wildly will willow willy win wind window windy
    wine wing winger wink winner winter wipe wiped wire wired wisdom wise wisely wiser wish
    wished wit witch with within witty wizard woke wolf wolves woman women wonder wong wood
    wooden woody wool word wore work worked worker world worm worn worry worse worst worth
    worthy would wound woven wrap wrath wreck wrench wrist write writer wrong wrote wrung yard
    yarn yeah year yearly yeast yell yelled yellow yes yield yoga yogurt young your youth zero
    zinc zombie zone zoo zoom
    """.split()
)
